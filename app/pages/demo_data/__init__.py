"""What the demonstration is made of: invented organizations and people in real cities. Amounts of money in minor units,
times in the local time of the place, days from today (below 0: ago). Nothing here is of a real organization or person."""
