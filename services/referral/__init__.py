"""Takes referrals, keeps the person in the vault, and tells the practice how it went on."""
