# Pins down a program that ends at once while 70 KB of stdin wait unread.
print("not interested")
raise SystemExit(100)
