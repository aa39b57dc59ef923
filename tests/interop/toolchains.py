"""The examples in languages that CI need not have: ./dev interop runs those whose tools are here.

  toolchains.py go|java…
"""

import subprocess
import sys
import unittest

import harness
from examples import EXAMPLES, ExampleCase

BUILD_S = 900  # the first build fetches what go.mod and pom.xml pin


def build(folder, *command):
    subprocess.run([str(word) for word in command], cwd=EXAMPLES / folder, check=True,
                   timeout=BUILD_S)


class Toolchains(ExampleCase):

    def test_go(self):
        program = self.state.dir / "example-go"
        build("go", "./generate.sh")
        build("go", "go", "build", "-o", program, ".")
        environment = self.make("go") | self.make_raw("documents")
        self.check("go", [program], environment, more_keys=["documents"])

    def test_java(self):
        build("java", "mvn", "-q", "-B", "package")
        self.check("java", ["java", "-jar", EXAMPLES / "java/target/sealward-example.jar"],
                   self.make("java"))


def main():
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromNames([f"test_{each}" for each in sys.argv[1:]], Toolchains)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    sys.exit(not result.wasSuccessful())


if __name__ == "__main__":
    main()
