"""A first server of exported models, without Docker: the documented REST protocol of
TensorFlow Serving on this machine, by TensorFlow, Starlette and Uvicorn.

    listening.py   from connections on: who waits too long, the start and the end
    guard.py       whom a server of this machine answers
    app.py         which address is which question
    gate.py        how many requests compute, and how many wait
    wire.py        JSON becomes arrays, arrays become JSON
    served.py      the versions of a model, and what they answer
    monitor.py     what Prometheus reads

Production is TensorFlow Serving itself (docs/serving.md).
"""
