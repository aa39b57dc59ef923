"""The matrix: every act, one after the other."""

from . import attacks, scanner, situations
from .act import Act
from .stage import Stage


class Matrix:
    """`rounds` times all acts. In each act `repeats` signers and runs of the CLI are
    attacked and the server once, so a server is crashed `rounds` times a cell. With more
    than one round the thief tries a dump of the server in each situation, too; it takes
    half a minute, and finds nothing that the scan, which knows the secrets, would not."""

    def __init__(self, results, folder, sinks, repeats, rounds, only=()):
        self.results, self.folder, self.sinks = results, folder, sinks
        self.repeats, self.rounds = repeats, rounds
        self.names = [name for name in situations.ALL if not only or name in only]
        self.found_tls = 0
        self.acts = 0

    def play(self, core_pattern, say):
        for with_faults in (False, True):
            names = [n for n in self.names if situations.ALL[n][2] == with_faults]
            if not names:
                continue
            stage = Stage(with_faults=with_faults)
            try:
                stage.end()
                for name in names:
                    self.play_situation(stage, name, core_pattern, say)
            finally:
                stage.clean_up()

    def play_situation(self, stage, name, core_pattern, say):
        for number in range(self.rounds):
            for sink in self.sinks:
                for crash in attacks.CRASHES:
                    act = Act(stage, self.results, name, sink, crash, self.repeats, self.folder)
                    first = number == 0 and sink == self.sinks[0]
                    intrusions = crash == attacks.CRASHES[0]
                    try:
                        act.play(core_pattern, intrusions, with_thief=self.rounds > 1 and
                                 first and intrusions)
                    except (AssertionError, OSError, scanner.Failed) as error:
                        # What was not tried has failed; the others are still to be tried.
                        for target in ("sealward-hsm", "CLI", "server"):
                            self.results.check(act.cell(target, crash, crash=True),
                                               f"the act broke off: {error!r}")
                        stage.kill()
                    self.found_tls += act.found_tls
                    self.acts += 1
                    say(f"{name}, {crash} into a {sink}: "
                        "{} cells passed so far, {} failed".format(*self.results.counts))
