"""Which numbers each kind of campaign has, so that a campaign file is refused before the first day, not on some day."""

from collections.abc import Mapping
from types import MappingProxyType

from governance.marketplaces.simulated.campaigns.file import Campaigns
from governance.marketplaces.simulated.care.abusers import RefundAbuse
from governance.marketplaces.simulated.people.leaks import Leaking
from governance.marketplaces.simulated.people.recruiting import Farming, Registering
from governance.marketplaces.simulated.people.takeover import Thieving
from governance.marketplaces.simulated.shops.brushing import BuysOrders
from governance.marketplaces.simulated.shops.merchant_fraud import StopsShipping
from governance.marketplaces.simulated.shops.violations import BreaksRules
from governance.marketplaces.simulated.stage.buying import BoughtEngagement
from governance.marketplaces.simulated.stage.farms import ClickFarm
from governance.marketplaces.simulated.stage.straying import Straying

TACTICS: Mapping[str, type] = MappingProxyType(
    {
        "fake_registrations": Registering,
        "incentive_farm": Farming,
        "account_takeover": Thieving,
        "data_leak": Leaking,
        "merchant_fraud": StopsShipping,
        "brushing": BuysOrders,
        "listing_violation": BreaksRules,
        "creator_cheating": BoughtEngagement,
        "click_farm": ClickFarm,
        "content_violation": Straying,
        "refund_abuse": RefundAbuse,
    }
)


def require_tactics(campaigns: Campaigns) -> None:
    """Refuse campaigns that override what their kind does not have.

    Raises
    ------
    ConfigurationError
        Naming the campaign, the number and those that its kind has.
    """
    for campaign in campaigns.campaigns:
        campaign.plays(TACTICS[campaign.kind])
