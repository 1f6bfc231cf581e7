"""Where BlindAI 0.5 kept its errors."""
