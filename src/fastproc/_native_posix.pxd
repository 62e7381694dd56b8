# What other modules of the binding take from here.
from fastproc._request_posix cimport Spec

cpdef run(Spec spec, args, input, timeout, let_go)
