"""Which networks descend one loss: they are differentiated in one call."""


def by_loss(losses):
    """Returns [(loss, [network])] of {network: loss}; a loss is known by identity."""
    groups = {}
    for name, loss in losses.items():
        groups.setdefault(id(loss), (loss, []))[1].append(name)
    return list(groups.values())
