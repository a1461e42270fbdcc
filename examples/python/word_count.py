"""Counts the words on standard input and prints the most frequent ones."""

import re
import sys
from collections import Counter

words = re.findall(r"[^\W\d_]+", sys.stdin.read().lower())
counts = Counter(words)
print(f"{len(words)} words, {len(counts)} different")
for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:5]:
    print(f"{count:4} {word}")
