"""The pictures of the demo streams: one function a stream, from the time in seconds and how far the host's mouth is open."""

from __future__ import annotations

import math

from PIL import Image

from livesteward.evals.staging.canvas import HEIGHT, WIDTH, Canvas, Look, person

TRADER = Look(skin="#e0a87e", hair="#2a1d16", shirt="#27304a", tie=True)
BANKER = Look(skin="#8d5a3c", hair="#1d1714", shirt="#2f6f73", long_hair=True, glasses=True)
DRIVER = Look(skin="#f0c39d", hair="#6b4423", shirt="#3c6e47")
PASSENGER = Look(skin="#c98f68", hair="#3a2418", shirt="#b3577a", long_hair=True)
SELLER = Look(skin="#f2c9a8", hair="#b5651d", shirt="#4a4e69")
GAMER = Look(skin="#a9714b", hair="#20202a", shirt="#5b4bb7", long_hair=True, glasses=True)

SCAM_CODE = "https://double.example/join?ref=DEMO"


def investment_scam(t: float, mouth: float) -> Image.Image:
    c = Canvas("#131a33", "#27406b")
    c.rect(30, 44, 398, 248, "#0d1326", radius=10)
    for row in range(5):
        c.line([(40, 74 + row * 38), (388, 74 + row * 38)], "#1e2a4a", 1)
    shift = t * 14
    for index in range(int(shift // 16), int(shift // 16) + 22):
        x = 44 + index * 16 - shift
        level = 214 - (x / 388) * 118 - 16 * math.sin(index * 1.7)
        up = math.sin(index * 2.3) > -0.55
        if 42 < x < 376:
            c.line([(x + 5, level - 20), (x + 5, level + 20)], "#3ddc84" if up else "#ff5d5d", 1.5)
            c.rect(x, level - 11, x + 10, level + 11, "#3ddc84" if up else "#ff5d5d", radius=1)
    c.rect(0, 286, WIDTH, HEIGHT, "#3a2a22")
    person(c, 252, 236, 100, TRADER, t=t, mouth=mouth)
    c.rect(452, 40, 622, 236, "white", radius=10)
    c.qr(465, 46, 144, SCAM_CODE)
    c.text(537, 206, "SCAN AND SEND", 15, "#131a33", anchor="mm")
    c.text(537, 224, "wallet DEMO-4471-XYZ", 11, "#131a33", anchor="mm")
    if int(t * 1.5) % 4:
        c.rect(452, 248, 622, 280, "#e5344f", radius=6)
        c.text(537, 264, "ONLY TODAY", 17, "white", anchor="mm")
    c.banner("GUARANTEED 200% PROFIT IN 24 HOURS")
    c.live()
    return c.finished()


def scam_awareness(t: float, mouth: float) -> Image.Image:
    c = Canvas("#e9f1f4", "#bcd3da")
    c.rect(36, 60, 226, 250, "#ffffff", radius=12)
    c.poly([(70, 126), (131, 88), (192, 126)], "#2f6f73")
    for column in range(4):
        c.rect(80 + column * 28, 132, 94 + column * 28, 186, "#2f6f73")
    c.rect(68, 190, 194, 202, "#2f6f73")
    c.text(131, 226, "FRAUD TEAM", 17, "#2f6f73", anchor="mm")
    for leaf in range(5):
        angle = -1.2 + leaf * 0.6 + 0.05 * math.sin(t * 1.5 + leaf)
        c.line([(590, 250), (590 + 60 * math.sin(angle), 250 - 80 * math.cos(angle))], "#4f8f5a", 9)
    c.rect(568, 244, 612, 292, "#b5651d", radius=5)
    c.rect(0, 286, WIDTH, HEIGHT, "#8d6b4f")
    person(c, 400, 232, 104, BANKER, t=t, mouth=mouth)
    c.banner("SCAM ALERT: NOBODY CAN GUARANTEE A PROFIT", fill="#2f6f73", ink="white", size=19)
    c.live()
    return c.finished()


def _road(c: Canvas, t: float) -> None:
    """Draw what the windscreen shows: a motorway that comes nearer, with trees at its side."""
    horizon = 118
    c.rect(0, horizon, WIDTH, 262, "#7fae63")
    c.poly([(0, horizon), (90, 84), (190, horizon), (300, 92), (420, horizon), (540, 80), (640, horizon)], "#8aa6a3")
    c.poly([(296, horizon), (344, horizon), (610, 262), (30, 262)], "#555b63")
    for index in range(9):
        depth = ((index + t * 2.2) % 9) / 9
        near = depth**2.4
        y = horizon + near * 144
        width = 1 + near * 9
        if index % 2:
            c.poly(
                [
                    (320 - width / 2, y),
                    (320 + width / 2, y),
                    (320 + width * 0.8, y + 4 + near * 30),
                    (320 - width * 0.8, y + 4 + near * 30),
                ],
                "#f4f1de",
            )
        for side in (-1, 1):
            x = 320 + side * (52 + near * 420)
            c.rect(x - 1 - near * 5, y - near * 42, x + 1 + near * 5, y + near * 10, "#6b4a33")
            c.oval(x, y - near * 66, 3 + near * 32, 4 + near * 40, "#3f7d4b")


def _car(c: Canvas, t: float) -> None:
    c.poly([(0, 0), (640, 0), (640, 44), (600, 30), (40, 30), (0, 44)], "#23262e")
    c.poly([(0, 40), (44, 30), (14, 262), (0, 262)], "#2b2f38")
    c.poly([(640, 40), (596, 30), (626, 262), (640, 262)], "#2b2f38")
    c.rect(262, 34, 378, 70, "#15171c", radius=8)
    c.rect(268, 39, 372, 65, "#8fb3c4", radius=6)
    c.rect(0, 256, WIDTH, HEIGHT, "#2b2f38")
    c.rect(0, 252, WIDTH, 266, "#3a3f4b")


def _wheel(c: Canvas, x: float, t: float, sleeve: str, skin: str, *, hands: bool = True) -> None:
    turn = 0.10 * math.sin(t * 0.9)
    c.arc(x, 330, 96, 84, 0, 360, "#0f1014", 13)
    for angle in (math.pi, 0.0, math.pi / 2):
        c.line([(x, 330), (x + 92 * math.cos(angle + turn), 330 + 80 * math.sin(angle + turn))], "#0f1014", 11)
    c.oval(x, 330, 26, 22, "#1d2027")
    if hands:
        for side in (-1, 1):
            angle = -math.pi / 2 + side * 0.95 + turn
            hx, hy = x + 96 * math.cos(angle), 330 + 84 * math.sin(angle)
            c.line([(hx + side * 40, 372), (hx, hy + 8)], sleeve, 30)
            c.oval(hx, hy, 17, 14, skin)


def driver_reading_chat(t: float, mouth: float) -> Image.Image:
    c = Canvas("#9fd0ea", "#dff0f7")
    _road(c, t)
    _car(c, t)
    _wheel(c, 190, t, "#3c6e47", "#f0c39d")
    # The phone in its mount, with the comments that he reads.
    c.rect(356, 196, 432, 322, "#0b0c10", radius=9)
    c.rect(361, 203, 427, 315, "#20263a", radius=4)
    for row in range(6):
        y = 212 + row * 18 - (t * 9) % 18
        if 205 < y < 300:
            c.oval(370, y + 4, 4, 4, ("#ffd23f", "#7bdff2", "#ff8fa3")[int(row + (t * 9) // 18) % 3])
            c.rect(378, y, 378 + 26 + 17 * ((int(row + (t * 9) // 18) * 7) % 3) / 2, y + 7, "#c8d0e0", radius=3)
    c.rect(462, 176, 622, 306, "#dfe7ee", radius=10)
    _inset(c, DRIVER, t, mouth)
    c.banner("Q AND A ON MY WAY HOME", y=322, fill="#20263a", ink="#ffffff", size=17)
    c.live()
    return c.finished()


def passenger_reading_chat(t: float, mouth: float) -> Image.Image:
    c = Canvas("#9fd0ea", "#dff0f7")
    _road(c, t)
    _car(c, t)
    # Her sister's hands are on the wheel, on the other side of the car; the phone is in the host's own hand.
    _wheel(c, 96, t, "#c7772e", "#c98f68")
    c.line([(372, 380), (388, 300)], "#b3577a", 40)
    c.rect(352, 190, 428, 316, "#0b0c10", radius=9)
    c.rect(357, 197, 423, 309, "#20263a", radius=4)
    for row in range(6):
        y = 206 + row * 18 - (t * 9) % 18
        if 199 < y < 294:
            c.oval(366, y + 4, 4, 4, ("#ffd23f", "#7bdff2", "#ff8fa3")[int(row + (t * 9) // 18) % 3])
            c.rect(374, y, 374 + 26 + 17 * ((int(row + (t * 9) // 18) * 7) % 3) / 2, y + 7, "#c8d0e0", radius=3)
    c.oval(352, 276, 11, 17, "#c98f68")
    c.oval(428, 270, 8, 15, "#c98f68")
    c.rect(462, 176, 622, 306, "#dfe7ee", radius=10)
    _inset(c, PASSENGER, t, mouth)
    c.banner("ROAD TRIP TO THE SEA", y=322, fill="#b3577a", ink="#ffffff", size=17)
    c.live()
    return c.finished()


def _inset(c: Canvas, look: Look, t: float, mouth: float) -> None:
    """Draw the host's face in a corner, as the front camera sees it."""
    inner = Canvas("#8b93a3", "#5f6675")
    inner.rect(120, -40, 520, 400, "#3a3f4b", radius=60)
    person(inner, 320, 232, 190, look, t=t, mouth=mouth)
    inner.line([(190, 246), (420, 420)], "#1d2027", 26)
    c.paste(inner.image, 466, 180, 152, 122)


def vape_shop(t: float, mouth: float) -> Image.Image:
    c = Canvas("#f5efe6", "#e3d5c0")
    for shelf in range(2):
        y = 96 + shelf * 92
        c.rect(24, y + 46, 354, y + 54, "#8d6b4f")
        for item in range(7):
            x = 40 + item * 45
            colour = ("#3d5a80", "#98c1d9", "#ee6c4d", "#7b9e87", "#c9ada7", "#293241", "#e0b354")[(item + shelf * 3) % 7]
            if shelf == 0:
                c.rect(x, y - 4, x + 20, y + 46, colour, radius=6)
                c.rect(x + 6, y - 14, x + 14, y - 4, "#293241", radius=2)
            else:
                c.rect(x - 3, y + 10, x + 27, y + 46, colour, radius=3)
                c.oval(x + 12, y + 28, 7, 7, "#ffffffaa")
    c.rect(40, 150, 250, 172, "white", radius=4)
    c.text(145, 161, "Rechargeable vape kit $14.90", 12, "#293241", anchor="mm")
    c.rect(40, 242, 250, 264, "white", radius=4)
    c.text(145, 253, "Refillable pods $8.50", 12, "#293241", anchor="mm")
    person(c, 484, 222, 104, SELLER, t=t, mouth=mouth)
    c.rect(370, 284, WIDTH, 320, "#6f5238")
    lift = 3 * math.sin(t * 2)
    c.line([(400, 318), (414, 262 + lift)], "#4a4e69", 24)
    c.oval(416, 250 + lift, 12, 14, "#f2c9a8")
    c.rect(407, 196 + lift, 425, 246 + lift, "#3d5a80", radius=6)
    c.rect(412, 184 + lift, 420, 196 + lift, "#293241", radius=2)
    c.banner("18+ ONLY   ID CHECK AT CHECKOUT", fill="#293241", ink="#ffffff", size=19)
    c.live()
    return c.finished()


def chat_raid(t: float, mouth: float) -> Image.Image:
    c = Canvas("#2a2149", "#4b3b86")
    c.rect(40, 44, 364, 308, "#191333", radius=12)
    colours = ("#ff6b6b", "#ffd93d", "#6bcb77", "#4d96ff", "#c77dff")
    for row in range(7):
        for column in range(8):
            if row > 1 or (row + column) % 3 == 0:
                gone = row == 6 and int(t / 5) % 2 and (t % 5) > 3.5
                colour = "#ffffff" if gone else colours[(row * 3 + column * 2 + int(t / 5)) % 5]
                c.rect(52 + column * 38, 56 + row * 34, 84 + column * 38, 84 + row * 34, colour, radius=7)
    drop = (t * 30) % 200
    c.rect(52 + 3 * 38, 56 + drop, 84 + 4 * 38, 84 + drop, "#4d96ff", radius=7)
    c.rect(396, 44, 612, 212, "#cfc3f5", radius=12)
    inner = Canvas("#cfc3f5", "#9f8fe0")
    person(inner, 320, 236, 180, GAMER, t=t, mouth=mouth)
    inner.arc(320, 150, 84, 100, 180, 360, "#20202a", 14)
    inner.rect(228, 132, 254, 190, "#20202a", radius=10)
    inner.rect(386, 132, 412, 190, "#20202a", radius=10)
    c.paste(inner.image, 402, 50, 204, 156)
    c.text(504, 242, "BLOCK PARTY", 22, "#ffd93d", anchor="mm")
    c.text(504, 274, f"level {3 + int(t / 10)}", 18, "white", anchor="mm")
    c.live()
    return c.finished()


SCENES = {
    "investment-scam": investment_scam,
    "scam-awareness": scam_awareness,
    "driver-reading-chat": driver_reading_chat,
    "passenger-reading-chat": passenger_reading_chat,
    "vape-shop": vape_shop,
    "chat-raid": chat_raid,
}
