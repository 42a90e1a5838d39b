"""Checks that a data set is the same in memory, as records, and read from disk."""

import numpy as np

import zoo.data
from zoo import backend


def same_everywhere(name, records, monkeypatch, has_tf_data, fields=None, **options):
    """Returns the batches of the second epoch of a set in memory, tuples of arrays,
    after having found the same ones in its records and on disk.

    Args:
        name: Of the data set.
        records: A free name for the folder of the records.
        monkeypatch: The fixture.
        has_tf_data: Whether batches shall come from tf.data.
        fields: Of a batch, or None for the usual ones.
        options: For `zoo.data.load`: flip, and what the set lets one choose.
    """
    monkeypatch.setattr(backend, "HAS_TF_DATA", has_tf_data)
    how = {"batch_size": 8, "seed": 2, "start_epoch": 1, "fields": fields}
    how["flip"] = options.pop("flip", False)

    def epoch(name, **options):
        batches = zoo.data.load(name, **how, **options)
        return [tuple(map(np.asarray, batch)) for batch in batches]

    held = epoch(name, **options)
    zoo.data.write_records(name, records, **options)
    with monkeypatch.context() as patch:
        patch.setattr("zoo.data.source.STREAM_ABOVE", 0)
        for there in (epoch(f"records:{records}"), epoch(name, **options)):
            for ours, theirs in zip(held, there, strict=True):
                assert all(np.array_equal(a, b) for a, b in zip(ours, theirs))
    return held
