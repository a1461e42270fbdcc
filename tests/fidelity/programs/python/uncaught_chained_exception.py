# Pins down a traceback with an explicit cause, an implicit context and added notes.
def parse(text):
    try:
        return int(text)
    except ValueError as error:
        error.add_note("while reading the field 'größe'")
        raise LookupError("bad field") from error


def load():
    try:
        parse("12x")
    except LookupError:
        {}["never there"]


try:
    load()
except KeyError as error:
    final = RuntimeError("giving up\non two lines")
    final.add_note("note one")
    final.add_note("note two\n  indented")
    raise final from error
