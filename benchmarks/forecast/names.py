"""Names of those who may run in the race; light to import."""

from collections.abc import Mapping
from typing import Final

from models.forecasting.names import ForecasterName

OURS: Final = "ours"
DAY_TYPE: Final = "day_type"
LIGHTGBM: Final = "lightgbm"
MSTL: Final = "mstl"

BY_NAME: Final[Mapping[str, ForecasterName]] = {
    OURS: ForecasterName.USUAL,
    **{name.value: name for name in ForecasterName if name is not ForecasterName.USUAL},
}
NAMES: Final = (*BY_NAME, LIGHTGBM, MSTL, DAY_TYPE)
USUAL_NAMES: Final = NAMES[:-1]
