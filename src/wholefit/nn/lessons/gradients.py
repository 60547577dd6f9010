"""Automatic differentiation: textbook examples, each computed and held against the closed form."""

from __future__ import annotations

import torch

from wholefit.nn.lessons._lesson import Chart, Lesson, found, lesson, line


@lesson("autograd", "Does automatic differentiation give what calculus gives?")
def autograd() -> Lesson:
    """Gradients of a scalar and a vector, a Hessian, arithmetic, views, what autograd refuses."""
    x = torch.arange(1.0, 5.0).reshape(2, 2).requires_grad_()
    x.square().mean().backward()
    scalar = float((x.grad - x.detach() / 2).abs().max())
    v = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    (v ** 2 + 2 * v + 1).backward(torch.ones(3))
    second = torch.autograd.functional.hessian(lambda w: (w ** 3).sum(), torch.tensor([1.0, 2.0]))
    dot = torch.dot(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([4.0, 5.0, 6.0]))
    square = torch.arange(16.0).reshape(4, 4)
    stopped = (v.detach() * 2).requires_grad
    numbers = {"scalar_error": scalar, "vector_1": v.grad[0], "vector_2": v.grad[1],
               "vector_3": v.grad[2], "hessian_22": second[1, 1], "hessian_12": second[0, 1],
               "dot": dot, "view_rows": square.view(-1, 8).shape[0],
               "view_shares": float(square.view(16).data_ptr() == square.data_ptr()),
               "in_place_refused": float(_in_place_refused()), "detached": float(not stopped)}
    rows = [["mean(x^2)", "x / 2", "differs by " + f"{scalar:.0e}"],
            ["x^2 + 2x + 1 at 1, 2, 3", "2x + 2 = 4, 6, 8",
             ", ".join(f"{each:g}" for each in v.grad.tolist())],
            ["second derivative of sum(x^3) at 2", "6x = 12, and 0 across",
             f"{second[1, 1]:g}, {second[0, 1]:g}"],
            ["[1, 2, 3] . [4, 5, 6]", "32", f"{dot:g}"],
            ["a 4 by 4 square as view(-1, 8)", "2 by 8, the same memory",
             " by ".join(map(str, square.view(-1, 8).shape))],
            ["changing in place what backward needs", "an error",
             "an error" if _in_place_refused() else "no error"],
            ["detach()", "no gradient", "no gradient" if not stopped else "a gradient"]]
    said = ["Each gradient equals the closed form.",
            "A tensor that backward still needs cannot be changed in place without an error: "
            "autograd counts versions." if _in_place_refused() else "",
            "`detach()` cuts the graph: what is behind it learns nothing."]
    place = [at / 20 for at in range(-60, 61)]
    t = torch.tensor(place, requires_grad=True)
    slope, = torch.autograd.grad((t ** 2 + 2 * t + 1).sum(), t)
    chart = Chart("x^2 + 2x + 1, and its slope by autograd", "x", "", (
        line("value", place, (t ** 2 + 2 * t + 1).tolist()), line("slope", place, slope.tolist())))
    return found("autograd", [each for each in said if each], numbers, rows=rows, pictures=[chart],
                 header=("what", "by calculus", "by autograd"))


def _in_place_refused() -> bool:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    middle = w * 2
    answer = (middle ** 2).sum()
    middle.add_(1)
    try:
        answer.backward()
    except RuntimeError:
        return True
    return False
