# Takes memory until the limit ends it. The host does not notice.
taken = []
while True:
    taken.append(bytearray(8 * 1024 * 1024))
    print(len(taken) * 8, "MiB", flush=True)
