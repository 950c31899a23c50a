"""`pierhead doctor`: what is wrong with a set-up."""

from pathlib import Path

import click

from pierhead.cli.failures import ExitCode
from pierhead.cli.options import home_option, load_settings, output_option
from pierhead.cli.output import Format, show_json

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@home_option
@click.option("--port", type=click.IntRange(0, 65535), help="The public port [5050].")
@output_option
@click.pass_context
def doctor(context: click.Context, home: Path | None, port: int | None, output: Format) -> None:
    """Check this set-up, with or without a running platform; exit code 1 if something is broken."""
    from pierhead.cli.checks import Finding, Level, examine

    findings: list[Finding] = []
    for finding in examine(load_settings(home=home, port=port)):
        findings.append(finding)
        if output is Format.TABLE:
            click.secho(f"{finding.level.value:<5}", fg=_COLOURS[finding.level.value], nl=False)
            click.echo(f"{finding.subject:<18}{finding.fact}" + (f"  ->  {finding.remedy}" if finding.remedy else ""))
    if output is Format.JSON:
        show_json(
            [
                {"subject": item.subject, "level": item.level.value, "fact": item.fact, "remedy": item.remedy}
                for item in findings
            ]
        )
    if any(finding.level is Level.FAIL for finding in findings):
        context.exit(int(ExitCode.FAILED))
