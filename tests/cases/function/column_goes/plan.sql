-- hazard: drop-function:"h()"
DROP FUNCTION "public"."h"();

-- asks: drop-column:t.b
ALTER TABLE "public"."t" DROP COLUMN "b";
