// A thread that lives and says nothing.
setInterval(() => undefined, 1_000)
