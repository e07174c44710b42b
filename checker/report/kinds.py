"""Each kind of mistake, and each form of an answer, in a few words.

Comes in: nothing.  Goes out: tables of words.  Why: a class's page counts mistakes by kind; the whole sentence about one answer is
`checker.grading.judging.feedback`'s.
"""

from __future__ import annotations

from checker.grading.grades import Kind
from checker.report.language import marked
from checker.sandbox.values import Form

KINDS: dict[Kind, str] = {
    Kind.RIGHT: marked("right"),
    Kind.SIGN: marked("the sign is reversed"),
    Kind.FACTOR: marked("a constant times the gradient"),
    Kind.MEAN: marked("a mean for a sum, or the reverse"),
    Kind.TRANSPOSED: marked("transposed"),
    Kind.BROADCAST: marked("a shape that only broadcasts to the right one"),
    Kind.UNSUMMED: marked("a sum over broadcast axes is missing"),
    Kind.SHAPE: marked("the wrong shape"),
    Kind.SOME_ENTRIES: marked("right in some entries only"),
    Kind.CHAIN: marked("one step of the chain rule is wrong"),
    Kind.UPSTREAM: marked("the upstream gradient is not used"),
    Kind.SINGLE: marked("right in single precision only"),
    Kind.UNSTABLE: marked("wrong at large inputs"),
    Kind.NOT_FINITE: marked("NaN or infinity"),
    Kind.WRONG: marked("wrong in another way"),
    Kind.MISSING: marked("nothing returned for an argument"),
    Kind.ABSENT: marked("no answer"),
    Kind.UNREADABLE: marked("cannot be read"),
    Kind.FORBIDDEN: marked("PyTorch, where it is not allowed"),
    Kind.RETURNED: marked("something else than numbers returned"),
    Kind.RAISED: marked("an exception"),
    Kind.TIMED_OUT: marked("too slow"),
    Kind.MEMORY: marked("too much memory"),
    Kind.OUTPUT: marked("too much output"),
    Kind.DIED: marked("the program ended"),
    Kind.PROTOCOL: marked("the answer is malformed"),
}

FORMS: dict[Form, str] = {
    Form.FORMULA: marked("formula"),
    Form.GRADIENT: marked("gradient function"),
    Form.PAIR: marked("forward and backward"),
    Form.OPERATION: marked("autograd operation"),
    Form.STEP: marked("training step"),
}
