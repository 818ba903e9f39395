-- Whether the table that csl-stream loaded is the one that the Glue job loaded, cell by cell.
-- Run it when both have loaded the same night's export, in the query editor. It changes nothing.
--
-- The two tables must have the same columns in the same order; README.md says how the second is made.
-- Rows that incremental exports added since stand in one table only: created_at leaves them out. Put the time
-- of the export in place of the one below; it is in the name of the file.

with
until_the_export as (select timestamp '2026-01-01 00:00:00' as t),
glue as (select * from public.signatures where created_at < (select t from until_the_export)),
csl as (select * from csl_stream_trial.signatures where created_at < (select t from until_the_export))
select 'rows by the Glue job' as what, count(*) as rows from glue
union all
select 'rows by csl-stream', count(*) from csl
union all
select 'rows that only the Glue job has, in just this form', count(*) from (select * from glue except select * from csl) as a
union all
select 'rows that only csl-stream has, in just this form', count(*) from (select * from csl except select * from glue) as b
order by what;
