"""What a run gives back."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._arrays import Array
from ._status import NotFoundError


class Outputs(tuple[Array, ...]):
    """The arrays of a run, in the model's order; also by name.

    >>> import numpy as np, quench
    >>> context = quench.Engine(quench.Model("scenes.qn")).context()
    >>> outputs = context.run(np.zeros((1, 40, 60, 3), np.uint8))
    >>> outputs[0].shape, outputs["SemanticPredictions"].dtype
    ((1, 40, 60), dtype('int32'))
    >>> (labels,) = outputs
    """

    names: tuple[str, ...]

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return super().__getitem__(key)
        try:
            return super().__getitem__(self.names.index(key))
        except ValueError:
            raise NotFoundError(f"no output {key!r}; there are {', '.join(self.names)}") from None

    def to_dict(self) -> dict[str, Array]:
        """The arrays by name."""
        return dict(zip(self.names, self))

    def __reduce__(self) -> tuple[Any, ...]:
        return make_outputs, (list(self), self.names)


def make_outputs(arrays: list[Array], names: tuple[str, ...]) -> Outputs:
    outputs = Outputs(arrays)
    outputs.names = names
    return outputs


def shorten(array: Array, shape: tuple[int, ...]) -> Array:
    """The first elements of a larger array as one of the shape that a run found."""
    if array.shape == shape:
        return array
    count = int(np.prod(shape, dtype=np.int64))
    return array.reshape(-1)[:count].reshape(shape)
