"""Checks of what users bring: games and methods."""

from ganfield.testing._game import check_game as check_game
from ganfield.testing._method import check_method as check_method
