"""Draws a bar chart of the sales in a CSV file, as text and as an SVG file."""

import csv

from chart import as_svg, as_text

with open("sales.csv", newline="") as file:
    sales = {row["month"]: int(row["units"]) for row in csv.DictReader(file)}

print(as_text(sales))
with open("sales.svg", "w") as file:
    file.write(as_svg(sales))
