"""Why something that was asked for cannot be done, and what to do instead.

Facts in quotes are what the user wrote; names after "choose one of" are ids, as they are typed.
"""

from __future__ import annotations

from .say import Message

REFUSALS: dict[str, Message] = {
    "lab": ("There is no lab {name!r}.", "Nincs {name!r} labor."),
    "lab.guest": (
        "{name!r} is a guest, not a lab.", "{name!r} vendég, nem labor."),
    "lab.guest.hint": (
        "Choose a lab, with this guest in it: {known}.",
        "Válassz labort; ezekben van ilyen vendég: {known}."),
    "lab.guest.typed": ("Type: {command}", "Így: {command}"),
    "task": ("The lab {lab!r} has no task {name!r}.", "A(z) {lab!r} laborban nincs {name!r} feladat."),
    "task.hint": ("Its tasks: {known}.", "A feladatai: {known}."),
    "answer": ("{name!r} is none of the answers.", "{name!r} nincs a válaszok között."),
    "number": ("{name!r} is not a whole number.", "{name!r} nem egész szám."),
    "number.hint": ("Write digits only.", "Csak számjegyeket írj."),
    "choice": ("There is no {what} {name!r} here.", "Itt nincs ilyen ({what}): {name!r}."),
    "choice.hint": ("Choose one of: {known}.", "Válassz ezek közül: {known}."),
    "answer.task": (
        "--answer needs --task; without it 'ringside ask {lab}' lists the tasks",
        "Az --answer mellé --task is kell; nélküle a 'ringside ask {lab}' felsorolja a "
        "feladatokat"),
    "option": ("The lab has no option {name!r}.", "A labornak nincs {name!r} beállítása."),
    "option.hint": ("Its options: {known}.", "A beállításai: {known}."),
    "amount": (
        "{id}={name} is not a number from 0 to {most}.",
        "{id}={name} nem szám 0 és {most} között."),
    "amount.hint": (
        "Write digits, with a decimal point if need be; or leave it empty.",
        "Számjegyeket írj, ha kell, tizedesponttal; vagy hagyd üresen."),
    "editing": (
        "The guest of this lab cannot be edited.", "Ennek a labornak a vendége nem szerkeszthető."),
    "range": (
        "{name!r} must be a whole number from {least} to {most}.",
        "{name!r} egész szám legyen {least} és {most} között."),
    "text": ("{name!r} must be a text.", "{name!r} szöveg legyen."),
    "long": ("{name!r} is too long.", "{name!r} túl hosszú."),
    "long.hint": ("At most {most} characters.", "Legfeljebb {most} karakter."),
    "half": (
        "{name!r} holds half a character (a lone surrogate).",
        "{name!r} fél karaktert tartalmaz (magányos helyettesítőt)."),
    "half.hint": ("Take it out.", "Vedd ki belőle."),
}

KINDS_OF_CHOICE: dict[str, Message] = {
    "guest": ("guest", "vendég"),
    "technique": ("technique", "technika"),
}
"""What can be chosen besides options, as a refusal names it."""
