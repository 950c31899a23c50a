"""Which names a pickle may not call while it is loaded.

A list of what is known to be dangerous can never be complete: it finds the careless and the common, and tells a
reviewer where to look. Only a format without pickles is safe.
"""

from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING

_MODULES = frozenset(
    [
        "os",
        "posix",
        "nt",
        "posixpath",
        "ntpath",
        "subprocess",
        "_posixsubprocess",
        "pty",
        "sys",
        "importlib",
        "imp",
        "runpy",
        "pkgutil",
        "shutil",
        "socket",
        "_socket",
        "socketserver",
        "ssl",
        "_ssl",
        "asyncio",
        "ctypes",
        "_ctypes",
        "multiprocessing",
        "_multiprocessing",
        "signal",
        "code",
        "codeop",
        "pdb",
        "bdb",
        "timeit",
        "trace",
        "profile",
        "cProfile",
        "doctest",
        "pydoc",
        "webbrowser",
        "http",
        "urllib",
        "requests",
        "aiohttp",
        "httpx",
        "ftplib",
        "smtplib",
        "telnetlib",
        "imaplib",
        "poplib",
        "nntplib",
        "xmlrpc",
        "tempfile",
        "marshal",
        "gc",
        "inspect",
        "atexit",
        "mmap",
        "resource",
        "platform",
        "commands",
        "distutils",
        "setuptools",
        "pip",
        "ensurepip",
        "venv",
        "test",
        "idlelib",
        "lib2to3",
        "sqlite3",
        "zipimport",
        "zipfile",
        "tarfile",
        "site",
        "sysconfig",
        "pyclbr",
        "tkinter",
        "curses",
        "IPython",
        "nbconvert",
        "concurrent",
        "threading",
        "_thread",
        "cffi",
        "_cffi_backend",
        "dill.source",
        "numpy.f2py",
        "numpy.testing",
        "numpy.distutils",
        "numpy.ctypeslib",
        "numpy.lib.npyio",
        "numpy.lib._npyio_impl",
        "pandas.io",
        "pandas.core.computation",
        "torch.hub",
        "torch.utils.cpp_extension",
        "torch._inductor",
        "torch._dynamo",
        "torch.distributed",
        "torch.multiprocessing",
        "torch.jit.unsupported_tensor_ops",
        "torch.utils.collect_env",
        "torch.utils.bottleneck",
        "logging.config",
        "logging.handlers",
        "_pyrepl",
        "_osx_support",
        "_aix_support",
        "mlflow.projects",
        "mlflow.utils.process",
        "fsspec",
        "boto3",
        "paramiko",
    ]
)
"""These modules and all below them."""

_NAMES = frozenset(
    [
        "system",
        "popen",
        "popen2",
        "popen3",
        "popen4",
        "Popen",
        "exec",
        "execfile",
        "execv",
        "execve",
        "execl",
        "execlp",
        "execvp",
        "execvpe",
        "eval",
        "__import__",
        "import_module",
        "getattr",
        "setattr",
        "delattr",
        "__getattribute__",
        "globals",
        "locals",
        "vars",
        "breakpoint",
        "run_code",
        "runcode",
        "runstring",
        "run_module",
        "run_path",
        "check_output",
        "check_call",
        "getoutput",
        "getstatusoutput",
        "urlopen",
        "urlretrieve",
        "rmtree",
        "unlink",
        "CDLL",
        "dlopen",
        "load_library",
        "loads",
        "Unpickler",
        "_Unpickler",
        "read_pickle",
        "_load_from_bytes",
        "load_module",
        "exec_module",
        "attrgetter",
        "methodcaller",
        "CodeType",
        "FunctionType",
        "resolve_name",
        "spawn",
        "spawnv",
        "FileIO",
        "FileHandler",
        "open_code",
        "__builtins__",
        "__globals__",
        "__dict__",
        "__loader__",
        "__spec__",
        "__subclasses__",
        "__code__",
    ]
)
"""These names in any module: what a module has imported can be reached through it."""

_IN_MODULES = {
    "io": frozenset({"open", "FileIO", "open_code"}),
    "_io": frozenset({"open", "FileIO", "open_code"}),
    "codecs": frozenset({"open"}),
    "pickle": frozenset({"load", "loads", "Unpickler", "_load", "_loads"}),
    "_pickle": frozenset({"load", "loads", "Unpickler"}),
    "cloudpickle": frozenset({"load", "loads"}),
    "dill": frozenset({"load", "loads", "_dill._import_module"}),
    "joblib": frozenset({"load", "Parallel"}),
    "numpy": frozenset({"load", "fromfile", "memmap", "save", "savez", "savetxt", "loadtxt", "genfromtxt"}),
    "pandas": frozenset({"eval", "read_pickle", "read_csv", "read_json", "read_sql"}),
    "torch": frozenset({"load", "save", "compile"}),
    "torch.serialization": frozenset({"load", "save"}),
    "types": frozenset({"CodeType", "FunctionType", "LambdaType"}),
}

_BUILTINS = frozenset(
    [
        "list",
        "dict",
        "set",
        "frozenset",
        "tuple",
        "int",
        "float",
        "complex",
        "bool",
        "str",
        "bytes",
        "bytearray",
        "memoryview",
        "object",
        "slice",
        "range",
        "type",
        "Ellipsis",
        "NotImplemented",
        "NoneType",
        "property",
        "staticmethod",
        "classmethod",
        "super",
        "len",
        "sum",
        "min",
        "max",
        "abs",
        "round",
        "sorted",
        "zip",
        "map",
        "filter",
        "enumerate",
        "reversed",
        "divmod",
        "pow",
        "any",
        "all",
        "chr",
        "ord",
        "hex",
        "oct",
        "bin",
        "repr",
        "hash",
        "isinstance",
        "issubclass",
        "callable",
        "print",
        "xrange",
        "long",
        "unicode",
        "basestring",
    ]
)
_BUILTIN_ENDINGS = ("Error", "Exception", "Warning", "Interrupt", "Exit", "Iteration")

_BY_VALUE = "cloudpickle.cloudpickle"
_BY_VALUE_DANGERS = frozenset({"load", "loads", "_getattribute"})

_USUAL_IMPORTS = frozenset({"os", "sys", "inspect", "tempfile", "threading", "concurrent"})
"""Modules that ordinary functions mention; a function that came by value may bring them along."""


def is_dangerous(module: str, name: str) -> bool:
    """Whether loading a pickle that calls `module.name` can do harm. Names of Python 2 count as those of Python 3.

    >>> is_dangerous("posix", "system"), is_dangerous("__builtin__", "eval"), is_dangerous("logging", "os.system")
    (True, True, True)
    >>> is_dangerous("numpy", "dtype"), is_dangerous("sklearn.linear_model._base", "LinearRegression")
    (False, False)
    """
    module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
    parts = name.split(".")
    if module in ("builtins", "__builtin__"):
        return (parts[0] not in _BUILTINS and not parts[0].endswith(_BUILTIN_ENDINGS)) or len(parts) > 1
    if module == _BY_VALUE:
        return name in _BY_VALUE_DANGERS or len(parts) > 1
    if is_dangerous_module(module) or name in _IN_MODULES.get(module, ()):
        return True
    # A dotted name walks through attributes, from a harmless module to one that it has imported.
    if any(part in _NAMES for part in parts):
        return True
    return len(parts) > 1 and any(part.startswith("__") or is_dangerous_module(part) for part in parts)


def is_dangerous_module(module: str) -> bool:
    """Whether everything in this module counts as dangerous."""
    parts = module.split(".")
    return any(".".join(parts[:length]) in _MODULES for length in range(1, len(parts) + 1))


def is_unusual_import(module: str) -> bool:
    """Whether a function that came by value should not need this module.

    >>> is_unusual_import("os.path"), is_unusual_import("subprocess")
    (False, True)
    """
    return is_dangerous_module(module) and module.split(".")[0] not in _USUAL_IMPORTS
