"""Every call that reaches MLflow's server, and what it touches. A call without a word behind it cannot be listed.

Paths stand behind the prefix (`/api` and its three twins), `*` for one part. Behind the path stands what the call does
to which experiments, in the words of `claims.parse_claims`; or one of

    open      it touches no experiment
    create    it makes an experiment
    list      it lists experiments, or datasets for evaluation: the answer keeps those that the caller may read
    spans     it writes spans: headers name the experiment and the run, the body names traces
    graphql   the query in the body says what it reads
"""

# A trace that exists is moved by being started again, and so is an assessment that is sent along.
_STARTED = (
    "write experiment trace.trace_info.trace_location.mlflow_experiment.experiment_id; "
    "write trace trace.trace_info.trace_id~; write assessment trace.trace_info.assessments[].assessment_id~"
)
_BATCH = "read trace trace_ids[]; read experiment experiment_ids[]"
_LOCATIONS = "read experiment locations[].mlflow_experiment.experiment_id+"

FORWARDED = f"""
POST      2.0/mlflow/experiments/create                     create
GET       2.0/mlflow/experiments/get                        read experiment experiment_id
GET       2.0/mlflow/experiments/get-by-name                read name experiment_name
GET,POST  2.0/mlflow/experiments/search                     list experiments
POST      2.0/mlflow/experiments/search-datasets            read experiment experiment_ids[]+
POST      2.0mlflow/experiments/search-datasets             read experiment experiment_ids[]+
POST      2.0/mlflow/experiments/update                     manage experiment experiment_id
POST      2.0/mlflow/experiments/delete                     manage experiment experiment_id
POST      2.0/mlflow/experiments/restore                    manage experiment experiment_id
POST      2.0/mlflow/experiments/set-experiment-tag         edit experiment experiment_id
POST      2.0/mlflow/experiments/delete-experiment-tag      edit experiment experiment_id
POST      2.0/mlflow/runs/create                            write experiment experiment_id=0
GET       2.0/mlflow/runs/get                               read run run_id
POST      2.0/mlflow/runs/search                            read experiment experiment_ids[]
POST      2.0/mlflow/runs/update                            write run run_id
POST      2.0/mlflow/runs/delete                            write run run_id
POST      2.0/mlflow/runs/restore                           write run run_id
POST      2.0/mlflow/runs/log-batch                         write run run_id; write model metrics[].model_id?
POST      2.0/mlflow/runs/log-inputs                        write run run_id; read model models[].model_id~
POST      2.0/mlflow/runs/log-metric                        write run run_id; write model model_id?
POST      2.0/mlflow/runs/log-model                         write run run_id
POST      2.0/mlflow/runs/log-parameter                     write run run_id
POST      2.0/mlflow/runs/outputs                           write run run_id; write model models[].model_id~
POST      2.0/mlflow/runs/set-tag                           write run run_id
POST      2.0/mlflow/runs/delete-tag                        write run run_id
GET       2.0/mlflow/metrics/get-history                    read run run_id
GET       2.0/mlflow/metrics/get-history-bulk               read run run_id[]
GET       2.0/mlflow/metrics/get-history-bulk-interval      read run run_ids[]
GET       2.0/mlflow/artifacts/list                         read run run_id
POST      2.0/mlflow/logged-models                          write experiment experiment_id; write run source_run_id?
POST      2.0/mlflow/logged-models/search                   read experiment experiment_ids[]+
GET       2.0/mlflow/logged-models/*                        read model *1
PATCH     2.0/mlflow/logged-models/*                        write model *1=model_id
DELETE    2.0/mlflow/logged-models/*                        write model *1
POST      2.0/mlflow/logged-models/*/params                 write model *1=model_id
PATCH     2.0/mlflow/logged-models/*/tags                   write model *1=model_id
DELETE    2.0/mlflow/logged-models/*/tags/*                 write model *1
GET       2.0/mlflow/logged-models/*/artifacts/directories  read model *1
GET       2.0/mlflow/logged-models/*/artifacts/files        read model *1
GET       2.0/mlflow/traces                                 read experiment experiment_ids[]+
POST      2.0/mlflow/traces                                 write experiment experiment_id=0
PATCH     2.0/mlflow/traces/*                               write trace *1
GET       2.0/mlflow/traces/*/info                          read trace *1
PATCH     2.0/mlflow/traces/*/tags                          write trace *1
DELETE    2.0/mlflow/traces/*/tags                          write trace *1
POST      2.0/mlflow/traces/delete-traces                   write experiment experiment_id
POST      2.0/mlflow/traces/link-to-run                     write run run_id; write trace trace_ids[]
POST      2.0/mlflow/traces/link-prompts                    write trace trace_id
GET       2.0/mlflow/get-trace-artifact                     read trace request_id
POST      3.0/mlflow/traces                                 {_STARTED}
GET       3.0/mlflow/traces/*                               read trace *1
GET       3.0/mlflow/traces/get                             read trace trace_id
GET       3.0/mlflow/traces/batchGet                        {_BATCH}
POST      3.0/mlflow/traces/batchGetInfos                   {_BATCH}
POST      3.0/mlflow/traces/search                          {_LOCATIONS}
POST      3.0/mlflow/traces/metrics                         read experiment experiment_ids[]+
POST      3.0/mlflow/traces/calculate-filter-correlation    read experiment experiment_ids[]+
POST      3.0/mlflow/traces/delete-traces                   write experiment experiment_id
PATCH     3.0/mlflow/traces/*/tags                          write trace *1
DELETE    3.0/mlflow/traces/*/tags                          write trace *1
POST      3.0/mlflow/traces/*/assessments                   write trace *1
GET       3.0/mlflow/traces/*/assessments/*                 read trace *1
PATCH     3.0/mlflow/traces/*/assessments/*                 write trace *1
DELETE    3.0/mlflow/traces/*/assessments/*                 write trace *1
GET       3.0/mlflow/get-trace-artifact                     read trace request_id
POST      3.0/mlflow/datasets/create                        write experiment experiment_ids[]+
GET,POST  3.0/mlflow/datasets/search                        list datasets; read experiment experiment_ids[]
GET       3.0/mlflow/datasets/*                             read dataset *1
DELETE    3.0/mlflow/datasets/*                             write dataset *1
GET       3.0/mlflow/datasets/*/experiment-ids              read dataset *1
POST      3.0/mlflow/datasets/*/add-experiments             write dataset *1; write experiment experiment_ids[]
POST      3.0/mlflow/datasets/*/remove-experiments          write dataset *1; write experiment experiment_ids[]
GET       3.0/mlflow/datasets/*/records                     read dataset *1
POST      3.0/mlflow/datasets/*/records                     write dataset *1
DELETE    3.0/mlflow/datasets/*/records                     write dataset *1
PATCH     3.0/mlflow/datasets/*/tags                        write dataset *1
DELETE    3.0/mlflow/datasets/*/tags/*                      write dataset *1
GET       3.0/mlflow/server-info                            open
GET,POST  3.0/mlflow/ui-telemetry                           open
"""

PAGES = """
GET       mlflow                                            open
GET       mlflow/get-artifact                               read run run_id
GET       mlflow/version                                    open
GET,POST  mlflow/graphql                                    graphql
POST      mlflow/v1/traces                                  spans
GET       version                                           open
POST      v1/traces                                         spans
"""
"""Paths without a prefix: MLflow's web page and its files, and two calls that clients make on the bare address."""
