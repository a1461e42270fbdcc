# Takes arguments and writes a file, which comes back.
import csv
import sys

rows = [argument.split("=", 1) for argument in sys.argv[1:]]

with open("report.csv", "w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["fruit", "count"])
    writer.writerows(rows)

total = sum(int(count) for _, count in rows)
print(f"{len(rows)} kinds of fruit, {total} pieces; see report.csv")
