"""What practice staff and the programme see of referrals."""
