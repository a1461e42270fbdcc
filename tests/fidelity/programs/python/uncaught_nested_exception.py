# Pins down the traceback of an exception raised several frames deep, with output still buffered.
class Account:
    def __init__(self, rows):
        self.rows = rows

    def total(self):
        return sum(self._amount(row) for row in self.rows)

    def _amount(self, row):
        return {"in": 1, "out": -1}[row["kind"]] * row["amount"]


def report(rows):
    return [Account(part).total() for part in (rows[:2], rows[2:])]


print("this line is buffered when the error comes")
report([{"kind": "in", "amount": 5}, {"kind": "out", "amount": 2}, {"kind": "lost", "amount": 1}])
