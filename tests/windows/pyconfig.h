/* What a 64-bit Windows CPython says of itself, as far as its public headers ask: the host's own pyconfig.h,
   which lies beside the headers that wine.sh copies, describes Linux. */
#ifndef Py_CONFIG_H
#define Py_CONFIG_H

#define MS_WINDOWS
#define MS_WIN32
#ifndef MS_WIN64
#define MS_WIN64
#endif
#define MS_COREDLL 1
#define HAVE_DECLSPEC_DLL 1
#define Py_ENABLE_SHARED 1
#define NT_THREADS 1
#define WITH_THREAD 1
#define WITH_PYMALLOC 1
#define WITH_DOC_STRINGS 1
#define PY_SUPPORT_TIER 0
#define PLATLIBDIR "lib"
#define PYTHONFRAMEWORK ""

#define SIZEOF_SHORT 2
#define SIZEOF_WCHAR_T 2
#define SIZEOF_INT 4
#define SIZEOF_LONG 4
#define SIZEOF_PID_T 4
#define SIZEOF_OFF_T 4
#define SIZEOF_FLOAT 4
#define SIZEOF_DOUBLE 8
#define SIZEOF_LONG_LONG 8
#define SIZEOF_FPOS_T 8
#define SIZEOF_TIME_T 8
#define SIZEOF_SIZE_T 8
#define SIZEOF_VOID_P 8
#define SIZEOF_HKEY 8
#define ALIGNOF_SIZE_T 8
#define ALIGNOF_MAX_ALIGN_T 8
#define DOUBLE_IS_LITTLE_ENDIAN_IEEE754 1

#define STDC_HEADERS 1
#define HAVE_PROTOTYPES 1
#define HAVE_LONG_LONG 1
#define HAVE_INTPTR_T 1
#define HAVE_UINTPTR_T 1
#define HAVE_SSIZE_T 1
#define HAVE_ERRNO_H 1
#define HAVE_FCNTL_H 1
#define HAVE_STDDEF_H 1
#define HAVE_SYS_STAT_H 1
#define HAVE_SYS_TYPES_H 1
#define HAVE_WCHAR_H 1

#endif
