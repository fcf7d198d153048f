"""The pictures: timelines, bars, curves and distributions, in colours with one meaning each."""
