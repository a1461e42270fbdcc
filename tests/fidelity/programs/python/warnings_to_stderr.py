# Pins down warnings on stderr: source lines, default filters, once-only, and a warning made an error.
import warnings


def old(n):
    warnings.warn(f"old() is deprecated ({n})", DeprecationWarning, stacklevel=2)
    return n


for i in range(3):
    old(0)
warnings.warn("plain user warning")
warnings.warn("ignored by default", PendingDeprecationWarning)
warnings.warn_explicit("from nowhere", RuntimeWarning, "virtual.py", 12)
print("filters are in place")
with warnings.catch_warnings():
    warnings.simplefilter("error")
    old("now an error")
