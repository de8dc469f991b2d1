ALTER TYPE "public"."mood" ADD VALUE 'elated';

ALTER TYPE "public"."mood" ADD VALUE 'beside himself';
