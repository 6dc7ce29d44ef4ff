"""Where collected mail goes. ``contract`` says what each promises; each file says how.

No destination imports another. ``target`` reads what the user writes after ``--to``.
"""

from pillarbox.fetch.destinations.contract import Destination, Owner, Staging
from pillarbox.fetch.destinations.target import Target, parse_destination

__all__ = ["Destination", "Owner", "Staging", "Target", "parse_destination"]
