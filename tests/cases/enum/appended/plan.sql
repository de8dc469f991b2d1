-- hazard: add-enum-value:mood.elated
ALTER TYPE "public"."mood" ADD VALUE 'elated';

-- hazard: add-enum-value:mood."beside himself"
ALTER TYPE "public"."mood" ADD VALUE 'beside himself';
