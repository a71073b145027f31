"""Labels of the parts that a partner can own."""

from typing import Final

from shared.contract.labels.table import Labels, labels

PARTS: Final[Labels] = labels(
    {
        "referral": "Referrals and people",
        "booking": "Appointments",
        "casework": "Cases and plans",
        "directory": "Directory of services",
        "notifications": "Messages",
        "evaluation": "Figures",
    }
)
