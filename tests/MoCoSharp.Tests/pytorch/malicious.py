"""Saves files that run a program when they are loaded without care; "load" does that, to show that they would."""
import os
import pickle
import sys

import torch


class Program:
    def __reduce__(self):
        return os.system, (f"touch '{sys.argv[3]}'",)


folder = sys.argv[2]
if sys.argv[1] == "save":
    content = {"state_dict": {"conv1.weight": torch.zeros(3)}, "extra": Program()}
    torch.save(content, os.path.join(folder, "zip.pth"))
    torch.save(content, os.path.join(folder, "legacy.pth"), _use_new_zipfile_serialization=False)
    with open(os.path.join(folder, "bare.pkl"), "wb") as file:
        pickle.dump(Program(), file)
else:
    torch.load(os.path.join(folder, "zip.pth"))
