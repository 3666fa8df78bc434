"""Names a device's maker and model: by the model of the client hints, or by the user agent if there is none."""

from typing import Final

from processing.pipeline.lookups.user_agents import UserAgent, parse_user_agent

LONGEST_MODEL: Final = 100
_UNKNOWN_BRANDS: Final = ("", "Generic", "Generic_Android", "Generic_Android_Tablet", "Generic_Inettv")
_HIDDEN_MODEL: Final = "K"  # what Chrome on Android puts into its user agent instead of the model
# A user agent as Chrome on Android wrote it while it still named the model: ua-parser knows the makers of such models.
_AGENT_OF_MODEL: Final = (
    "Mozilla/5.0 (Linux; Android 10; {model}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/100.0.0.0 Safari/537.36"
)


def make_and_model(agent: UserAgent, hinted_model: str) -> tuple[str | None, str | None]:
    """Returns maker and model; None where unknown."""
    if hinted_model:
        model = hinted_model[:LONGEST_MODEL]
        return _brand(parse_user_agent(_AGENT_OF_MODEL.format(model=model)).brand), model
    if agent.brand == "Generic" or agent.model == _HIDDEN_MODEL:
        return None, None
    return _brand(agent.brand), agent.model[:LONGEST_MODEL] or None


def _brand(name: str) -> str | None:
    return None if name in _UNKNOWN_BRANDS else name[:LONGEST_MODEL]
