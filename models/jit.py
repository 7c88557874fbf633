"""The one way in which the engine compiles a kernel."""

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

KernelFn = TypeVar("KernelFn", bound=Callable[..., object])


def kernel(function: KernelFn) -> KernelFn:
    """Compile ``function`` with numba: cached on disk, and without the GIL while it runs.

    Kernels are named ``*_kernel``; each has a naive twin of the same name without the suffix in
    ``tests/reference``. With ``NUMBA_DISABLE_JIT=1`` the function runs as plain Python.
    """
    return cast("KernelFn", njit(cache=True, nogil=True)(function))
