"""A demonstration that is soon over."""

import time

if __name__ == "__main__":
    print("stories: 1 of 2", flush=True)
    time.sleep(1.5)
    print("stories: 2 of 2", flush=True)
