# Pins down logging: default handler on stderr, levels, formatted exceptions, a broken format call.
import logging
import sys

logging.info("not shown by default")
logging.getLogger("bare").warning("last resort handler: %s", "größer")
logging.basicConfig(format="%(levelname)-8s %(name)s %(funcName)s:%(lineno)d %(message)s", level=logging.DEBUG, force=True)
log = logging.getLogger("app.part")
log.debug("debug %d", 1)
log.error("error with data %(k)s", {"k": "v"})


def divide(a, b):
    try:
        return a / b
    except ZeroDivisionError:
        log.exception("could not divide")


divide(1, 0)
log.critical("stack follows", stack_info=True)
out = logging.StreamHandler(sys.stdout)
log.addHandler(out)
log.propagate = False
log.warning("only on stdout")
log.warning("too few %s %s", 1)
logging.captureWarnings(True)
sys.exit(255)
