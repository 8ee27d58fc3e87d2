"""Sensors that tell people: of a run as soon as it has failed, and every few minutes of everything else."""

import os
from datetime import UTC, datetime

import dagster as dg

from governance.oncall.kinds import Kind
from governance.workspace import Workspace
from orchestration.alerting import Told, alert_ledger, tell_of_failure, watch
from orchestration.failed_runs import WILL_RETRY, failed_job, failed_runs

FAILURES_EVERY_SECONDS = 30
"""At most, where a marketplace does not look more often; it reads nothing but the newest events of runs."""


def build_alert_sensors(workspace: Workspace) -> list[dg.SensorDefinition]:
    """Both sensors, running from the start."""
    return [_run_failures(workspace), _watch(workspace)]


def _run_failures(workspace: Workspace) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name="run_failures",
        description="Tells of a failed run at once: what failed, in our own words, and whether a retry could help.",
        default_status=dg.DefaultSensorStatus.RUNNING,
        # An instance belongs to one workspace; runs of `govern run` name no code location.
        monitor_all_code_locations=True,
        minimum_interval_seconds=min(FAILURES_EVERY_SECONDS, workspace.marketplace.pace.look_every_seconds),
    )
    def run_failures(context: dg.RunFailureSensorContext) -> dg.SkipReason:
        run = context.dagster_run
        if run.tags.get(WILL_RETRY) == "true":
            return dg.SkipReason(f"{run.job_name}: Dagster runs it again by itself")
        failed = failed_job(context.instance, run.job_name)
        if failed is None:
            return dg.SkipReason(f"{run.job_name} has gone well since")
        told = tell_of_failure(workspace, os.environ, failed, wall=datetime.now(UTC))
        return dg.SkipReason(f"{run.job_name} failed: {_said(told)}")

    return run_failures


def _watch(workspace: Workspace) -> dg.SensorDefinition:
    @dg.sensor(
        name="watch",
        description="Looks for what is not as it should be, symptoms first, and tells those who answer for it.",
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=workspace.marketplace.pace.watch_every_seconds,
    )
    def watch_for_findings(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        standing = [alert.key for alert in alert_ledger(workspace).standing()]
        jobs = [key.subject for key in standing if key.kind is Kind.FAILED_RUN]
        told = watch(workspace, os.environ, wall=datetime.now(UTC), runs=failed_runs(context.instance, also=jobs))
        return dg.SkipReason(_said(told))

    return watch_for_findings


def _said(told: Told) -> str:
    failed = f"; {', '.join(told.failures)} failed and will be tried again" if told.failures else ""
    return f"{len(told.standing)} open, {told.messages} message(s){failed}"
