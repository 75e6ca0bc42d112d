"""Draws scenes of flat and textured shapes together with their masks.

Every scene is a function of its random generator alone: the same seed gives the same picture and the same mask.
Eight classes on a background of gradients, blobs, ripples and grain; colours say nothing about the class.
"""

import colorsys

import numpy as np
from PIL import Image

CLASSES = ["background", "disc", "square", "triangle", "star", "ring", "cross", "striped", "checkered"]
IGNORE = 255


def scene_rng(seed, split, index):
    """The generator of one scene; `split` keeps training, held-out and reference scenes apart."""
    return np.random.default_rng([seed, split, index])


# Shapes: signed distances to the outline (negative inside) in coordinates turned and centred on the shape.

def disc(u, v, r):
    return np.hypot(u, v) - 0.92 * r


def square(u, v, r):
    return np.maximum(np.abs(u), np.abs(v)) - 0.78 * r


def polygon(u, v, apothem, sides):
    """A regular polygon as the intersection of half planes."""
    angles = 2 * np.pi * np.arange(sides) / sides
    return np.max([u * np.cos(a) + v * np.sin(a) for a in angles], axis=0) - apothem


def triangle(u, v, r):
    return polygon(u + 0.12 * r, v, 0.54 * r, 3)


def hexagon(u, v, r):
    return polygon(u, v, 0.84 * r, 6)


def star(u, v, r):
    """Five points: fold the plane into one tenth of it, then measure against a single edge."""
    sector = np.pi / 5
    radius, angle = np.hypot(u, v), np.arctan2(v, u)
    angle = np.abs((angle + sector) % (2 * sector) - sector)
    tip = np.array([1.08 * r, 0.0])
    dent = 0.52 * r * np.array([np.cos(sector), np.sin(sector)])
    edge = dent - tip
    normal = np.array([edge[1], -edge[0]]) / np.hypot(*edge)
    return (radius * np.cos(angle) - tip[0]) * normal[0] + radius * np.sin(angle) * normal[1]


def ring(u, v, r):
    return np.abs(np.hypot(u, v) - 0.73 * r) - 0.27 * r


def cross(u, v, r):
    a, b, arm, half = np.abs(u), np.abs(v), 0.98 * r, 0.34 * r
    return np.minimum(np.maximum(a - arm, b - half), np.maximum(b - arm, a - half))


def ellipse(u, v, r):
    a, b = 1.05 * r, 0.72 * r
    return (np.hypot(u / a, v / b) - 1) * b


SHAPES = [None, disc, square, triangle, star, ring, cross, ellipse, hexagon]


# Colours and textures.

def color(rng, saturation, value):
    return 255 * np.array(colorsys.hsv_to_rgb(rng.uniform(), rng.uniform(*saturation), rng.uniform(*value)))


def color_away_from(rng, others, distance=95):
    """A colour that differs visibly from all the others."""
    best, best_gap = None, -1
    for _ in range(24):
        c = color(rng, (0.25, 0.95), (0.2, 1.0))
        gap = min(np.linalg.norm(c - o) for o in others)
        if gap >= distance:
            return c
        if gap > best_gap:
            best, best_gap = c, gap
    return best


def smooth_noise(rng, height, width, cell):
    """Soft blobs of about `cell` pixels, values around -1 to 1."""
    grid = rng.normal(size=(int(height / cell) + 3, int(width / cell) + 3)).astype(np.float32)
    size = (int(grid.shape[1] * cell), int(grid.shape[0] * cell))
    blobs = Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(blobs)[:height, :width]


def background(rng, height, width, unit):
    """A picture [H,W,3] of floats, and its two main colours."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    first = color(rng, (0.05, 0.5), (0.3, 0.95))
    second = np.clip(first + rng.normal(0, 38, 3), 20, 245)
    angle = rng.uniform(0, 2 * np.pi)
    slope = x * np.cos(angle) + y * np.sin(angle)
    t = (slope - slope.min()) / max(np.ptp(slope), 1)
    if rng.uniform() < 0.5:
        t = np.clip(t + 0.35 * smooth_noise(rng, height, width, rng.uniform(14, 45) * unit), 0, 1)
    picture = first + t[..., None] * (second - first)
    if rng.uniform() < 0.3:
        wave = np.sin(2 * np.pi * (slope / (rng.uniform(22, 60) * unit)) + 2 * t)
        picture += rng.uniform(3, 9) * wave[..., None]
    return picture, [first, second]


def texture(rng, label, u, v, r, others):
    """The colours of a shape over its bounding box."""
    main = color_away_from(rng, others)
    shade = 1 + rng.uniform(-0.16, 0.16) * u / r + rng.uniform(-0.16, 0.16) * v / r
    name = CLASSES[label]
    if name not in ("striped", "checkered"):
        return main * shade[..., None]
    second = color_away_from(rng, [main] + others[:1], 120)
    if name == "striped":
        period = max(rng.uniform(0.36, 0.5) * r, 7.5)
        wave = np.sin(2 * np.pi * u / period + rng.uniform(0, 2 * np.pi)) * period / 4
    else:
        cell = max(rng.uniform(0.3, 0.4) * r, 6)
        wave = np.sin(np.pi * u / cell) * np.sin(np.pi * v / cell) * cell / 1.5
    mix = np.clip(wave + 0.5, 0, 1)[..., None]
    return (main + mix * (second - main)) * shade[..., None]


# Composition.

def place(rng, height, width, unit):
    """Centres and radii of the shapes: they may overlap a little and leave the picture a little."""
    largest = min(40 * unit, 0.42 * min(height, width))
    smallest = min(18 * unit, 0.8 * largest)
    wanted = max(1, round(height * width / (161 * unit) ** 2 * rng.uniform(3, 7.5)))
    shapes = []
    for _ in range(12 * wanted):
        r = rng.uniform(smallest, largest)
        x, y = rng.uniform(min(0.6 * r, width / 2), max(width - 0.6 * r, width / 2)), \
            rng.uniform(min(0.6 * r, height / 2), max(height - 0.6 * r, height / 2))
        if all(np.hypot(x - a, y - b) > 0.82 * (r + c) for a, b, c in shapes):
            shapes.append((x, y, r))
        if len(shapes) == wanted:
            break
    return shapes


def paint(rng, picture, mask, label, at, others):
    """Paints one shape with a soft shadow into `picture` and `mask`."""
    x, y, r = at
    top, left = max(int(y - 1.4 * r), 0), max(int(x - 1.4 * r), 0)
    bottom, right = int(y + 1.4 * r) + 2, int(x + 1.4 * r) + 2
    view, labels = picture[top:bottom, left:right], mask[top:bottom, left:right]
    dy, dx = np.mgrid[0:view.shape[0], 0:view.shape[1]].astype(np.float32)
    dx, dy = dx + (left - x), dy + (top - y)
    turn = rng.uniform(0, 2 * np.pi)
    cos, sin = np.cos(turn), np.sin(turn)

    def distance(ox, oy):
        return SHAPES[label]((dx - ox) * cos + (dy - oy) * sin, (dy - oy) * cos - (dx - ox) * sin, r)

    softness = 0.1 * r + 1
    shadow = np.clip(0.5 - distance(0.06 * r, 0.1 * r) / softness, 0, 1) * rng.uniform(0.1, 0.35)
    view *= 1 - shadow[..., None]
    outline = distance(0, 0)
    cover = np.clip(0.5 - outline, 0, 1)[..., None]
    fill = texture(rng, label, dx * cos + dy * sin, dy * cos - dx * sin, r, others)
    view += cover * (fill - view)
    labels[outline < 0] = label


def draw_scene(rng, height, width, unit=1.0):
    """A scene: picture uint8 [H,W,3] and mask uint8 [H,W]. `unit` scales shapes and textures, 1 suits 161 pixels."""
    picture, colors = background(rng, height, width, unit)
    mask = np.zeros((height, width), np.uint8)
    bag = []
    for at in place(rng, height, width, unit):
        bag = bag or list(rng.permutation(np.arange(1, len(CLASSES))))
        paint(rng, picture, mask, int(bag.pop()), at, colors)
    grain = rng.normal(0, rng.uniform(0.5, 6), picture.shape)
    return np.clip(np.rint(picture + grain), 0, 255).astype(np.uint8), mask
