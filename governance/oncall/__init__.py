"""What people on call are told: findings from what a workspace holds, alerts made of them, and who hears of which."""
