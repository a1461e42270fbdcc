from collections import Counter


def count(text):
    return sorted(Counter(text.split()).items())
