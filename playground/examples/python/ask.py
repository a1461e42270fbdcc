# Type into the line below the output while this runs.
name = input("What is your name? ")
count = int(input(f"How often shall I greet you, {name}? "))

for n in range(1, min(count, 10) + 1):
    print(f"{n}. Hello, {name}!")
