"""The colours of the pictures. Every colour has one meaning everywhere."""

# Okabe and Ito's palette, told apart with any kind of colour vision
# (https://jfly.uni-koeln.de/color/). Worker 1, 2, 3, ... in the order of their first request.
WORKERS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#8C6D31", "#5B4B9A", "#882255"]
FAILED = "#D55E00"
WAITING = "#D9DEE3"
TEXT = "#24292F"
FAINT = "#6E7781"
PLAIN = "#44546A"  # what belongs to no worker, or to all of them
GUESS = "#24292F"

# In a dark theme a picture changes light for dark and keeps its hues: so all of its text has
# contrast on the ground that it is drawn on. No single set of colours has that on both grounds.
_STYLE = (
    '<style>[data-jp-theme-light="false"] .workerlab-picture'
    "{filter:invert(1) hue-rotate(180deg)}</style>"
)


def on_page(picture: str) -> str:
    """The HTML of a picture, an `<img>` or an `<svg>`, for the output of a notebook's cell."""
    return f'{_STYLE}<div class="workerlab-picture">{picture}</div>'


def worker_colour(number: int) -> str:
    """The colour of worker `number`, counted from 0; after the eighth they begin again."""
    return WORKERS[number % len(WORKERS)]
