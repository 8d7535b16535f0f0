"""How the dialog of questions looks: trees of what is asked, picked and answered."""

from ringside_web.panels import segments
from ringside_web.tree import h


def fresh(task):
    """A task nobody has worked on yet."""
    return {"task": task, "pick": "", "verdict": None, "refused": "", "busy": False,
            "latest": False}


def refusal(error):
    """Why an answer was not understood, and what to do."""
    return ("%s %s" % (error["message"], error.get("hint") or "")).strip()


def dialog(words, lab, about, states, lost):
    """The whole dialog; ``about`` is None until the machine has answered."""
    body = [h("p", {"class": "lead"}, lab["question"])]
    if about is None:
        key = "questions.lost" if lost else "questions.waiting"
        body.append(h("p", {"class": "waiting", "role": "status"}, words(key)))
    else:
        for name, title in (("answer", words("questions.answer")),
                            ("world", words("questions.world"))):
            body.append(h("details", {"class": "fold", "key": name},
                          h("summary", None, title),
                          h("p", None, segments(about[name], words))))
        body.append(h("ol", {"class": "tasks"}, [
            _task(words, states[task["task"]]) for task in about["tasks"]]))
    return [h("h2", {"id": "dialog-title"}, words("questions")),
            h("div", {"id": "questions", "data-scroll": True}, body),
            h("button", {"type": "button", "class": "close", "data-do": "close"}, words("close"))]


def _button(do, task, title, **more):
    attributes = {"type": "button", "class": "quiet", "data-do": do, "data-with": task}
    attributes.update(more)
    return h("button", attributes, title)


def _task(words, state):
    task = state["task"]
    name, text = task["task"], "task-" + task["task"]
    asked = h("p", {"id": text, "class": "asked"}, segments(task["text"], words))
    buttons = [_button("reveal", name, words("questions.reveal"), disabled=state["busy"]),
               _button("begin", name, words("questions.begin"))]
    if task["seeded"]:
        buttons.append(_button("another", name, words("questions.another"),
                               disabled=state["busy"]))
    return h("li", {"key": "%s/%d" % (name, task["seed"])}, asked,
             _answering(words, state, text), _outcome(words, state),
             h("div", {"class": "ways"}, buttons))


def _answering(words, state, text):
    task = state["task"]
    name, check = task["task"], words("questions.check")
    if task["kind"] == "choice":
        choices = [h("label", {"key": choice["id"]},
                     h("input", {"type": "radio", "name": text, "value": choice["id"],
                                 "data-do": "pick", "data-with": name,
                                 "checked": state["pick"] == choice["id"]}),
                     h("span", None, choice["title"])) for choice in task["choices"]]
        return h("div", {"class": "choices", "key": "answer", "role": "radiogroup",
                         "aria-labelledby": text}, choices,
                 h("button", {"type": "button", "key": "check", "data-do": "check",
                              "data-with": name, "disabled": state["busy"]}, check))
    return h("form", {"class": "type", "key": "answer", "data-do": "check", "data-with": name},
             h("input", {"type": "text", "inputmode": "numeric", "autocomplete": "off",
                         "maxlength": "16",
                         "aria-label": words("questions.yours"), "aria-describedby": text}),
             h("button", {"type": "submit", "disabled": state["busy"]}, check))


def _outcome(words, state):
    """What came of an answer; there from the start, so that a reader hears of its change."""
    found, tone, parts = state["verdict"], "", []
    if state["busy"]:
        parts = [words("working")]
    elif state["refused"]:
        tone, parts = "wrong", [h("b", None, state["refused"])]
    elif found and found["right"] is False:
        tone, parts = "wrong", [h("b", None, words("questions.wrong", given=found["given"]))]
    elif found:
        key = "questions.right" if found["right"] else "questions.told"
        tone = "good" if found["right"] else "told"
        parts = [h("b", None, words(key, answer=found["answer_text"])), " ",
                 h("span", None, segments(found["why"], words)),
                 h("q", None, "".join([part["text"] for part in found["said"]]))]
    if found and not state["busy"]:
        parts.append(_button("show", state["task"]["task"], words("questions.show"),
                             **{"class": "show"}))
    return h("div", {"class": ("verdict " + tone).strip(), "key": "verdict", "role": "status",
                     "data-follow": state["latest"]}, parts)
