"""The stage: creators, the videos and live rooms in which they sell, and who looks at them."""

from governance.marketplaces.simulated.stage.engaging import engage
from governance.marketplaces.simulated.stage.publishing import publish
from governance.marketplaces.simulated.stage.selling import attribution
from governance.marketplaces.simulated.stage.settling import end_day
from governance.marketplaces.simulated.stage.stage import Stage, begin

__all__ = ["Stage", "attribution", "begin", "end_day", "engage", "publish"]
