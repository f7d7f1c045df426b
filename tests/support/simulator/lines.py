"""Lines to the world, over which a call may have its effect and yet no answer."""


def answered(method):
    """The call, whose effect may stand although its answer never comes."""

    def call(self, *arguments, **words):
        answer = method(self, *arguments, **words)
        if self.worker.deaf:
            self.worker.hears_nothing()
        return answer

    return call


def each_answered(ports):
    """Every public call of the class is `answered`."""
    for name, method in list(vars(ports).items()):
        if not name.startswith("_"):
            setattr(ports, name, answered(method))
    return ports
