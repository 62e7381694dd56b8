/* The target: a program that exits at once.  Static and without libc, so that
 * what is measured is starting a program and not loading its libraries. */

void _start(void) __attribute__((noreturn));

void _start(void)
{
    for (;;) {
#if defined(__linux__) && defined(__x86_64__)
        /* exit_group(0) */
        __asm__ volatile("syscall" : : "a"(231L), "D"(0L) : "rcx", "r11", "memory");
#elif defined(__linux__) && defined(__aarch64__)
        register long number __asm__("x8") = 94;
        register long status __asm__("x0") = 0;
        __asm__ volatile("svc 0" : : "r"(number), "r"(status) : "memory");
#else
#error "there is no target without libc for this machine"
#endif
    }
}
