# Ends at its time limit, or when you press Stop.
import time

tick = 0
while True:
    tick += 1
    print("tick", tick, flush=True)
    time.sleep(0.25)
