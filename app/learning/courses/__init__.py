"""Courses: short lessons with questions, in versions.

Owns: course, course version with its sources, lesson, question and its options, attempt and answer.
Words: a *version* of a course is what one reads and is asked; an *attempt* is one way through its questions; a passed one is
a *completion*. What a completion is worth to an organization is safeguarding's.
Invariants: exactly one option of a question is right, and no page holds which before it is answered; answers are judged
here only; what was published is never changed: a change is a new version, which is minor or asks everybody again.
"""
